/**
 * Why a signal is aborted where nobody asks: what waited is over. Made once, as each of the platform's own takes down a stack
 * that nobody reads.
 */
export const over: Error = new DOMException('This is over.', 'AbortError');
