/** Does something that many times, so many at once. */
export async function inParallel(lanes: number, times: number, what: () => Promise<unknown>): Promise<void> {
  let left = times;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await what();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
