/** Where a text stops being JSON (RFC 8259), and what would have to stand there. What does stand there is nobody's business. */
export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters of JavaScript. */
  readonly column: number;
  /** Such as `a comma or }`. */
  readonly wanted: string;
  /** Whether the text ends there. */
  readonly isEnd: boolean;
}

/** The first fault of a text; undefined where it is JSON. Without recursion: depth is the sender's choice. */
export function jsonFault(text: string): JsonFault | undefined {
  const fault = new JsonScan(text).run();
  if (!fault) return undefined;
  const lines = text.slice(0, fault.at).split('\n');
  const column = (lines.at(-1) ?? '').length + 1;
  return { line: lines.length, column, wanted: fault.wanted, isEnd: fault.at >= text.length };
}

/** What it is to a client. */
export function sentenceOf({ line, column, wanted, isEnd }: JsonFault): string {
  const place = isEnd ? `it ends at line ${line}, column ${column}` : `at line ${line}, column ${column}`;
  return `The body is not valid JSON: ${place}, where ${wanted} is expected.`;
}

interface Fault {
  readonly at: number;
  readonly wanted: string;
}

/** What may stand next. */
type Wanted = 'value' | 'first value' | 'name' | 'first name' | 'colon' | 'next';

const VALUE = 'a value (an object, a list, a text in double quotes, a number, true, false or null)';
const NAME = 'a field name in double quotes';
const DIGITS = 'a number as JSON writes it';

class JsonScan {
  private at: number;
  /** The objects and lists that are open. */
  private readonly open: ('{' | '[')[] = [];

  constructor(private readonly text: string) {
    // A byte order mark is no part of the JSON.
    this.at = text.startsWith('\uFEFF') ? 1 : 0;
  }

  run(): Fault | undefined {
    let wanted: Wanted | 'end' | Fault = 'value';
    while (typeof wanted === 'string') {
      this.match(/[ \t\n\r]*/y);
      if (wanted === 'end') return this.at < this.text.length ? this.fault('the end of the body') : undefined;
      wanted = this.step(wanted);
    }
    return wanted;
  }

  private step(wanted: Wanted): Wanted | 'end' | Fault {
    const character = this.text[this.at];
    if (wanted === 'colon') return this.skip(character === ':') ? 'value' : this.fault('a colon');
    if (wanted === 'next') return this.afterValue(character);
    if (wanted === 'first name' && character === '}') return this.close();
    if (wanted === 'first value' && character === ']') return this.close();
    if (wanted === 'name' || wanted === 'first name') {
      if (character === '"') return this.string() ?? 'colon';
      return this.fault(wanted === 'name' ? NAME : `${NAME} or }`);
    }
    return this.value(character, wanted === 'first value' ? `${VALUE} or ]` : VALUE);
  }

  private value(character: string | undefined, wanted: string): Wanted | 'end' | Fault {
    if (character === '{' || character === '[') {
      this.at += 1;
      this.open.push(character);
      return character === '{' ? 'first name' : 'first value';
    }
    if (character === '"') return this.string() ?? this.ended();
    if (this.match(/true|false|null/y)) return this.ended();
    if (this.match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)) {
      return /[\d.eE+-]/.test(this.text[this.at] ?? '') ? this.fault(DIGITS) : this.ended();
    }
    return this.fault(wanted);
  }

  private afterValue(character: string | undefined): Wanted | 'end' | Fault {
    const isObject = this.open.at(-1) === '{';
    if (this.skip(character === ',')) return isObject ? 'name' : 'value';
    const end = isObject ? '}' : ']';
    return character === end ? this.close() : this.fault(`a comma or ${end}`);
  }

  private close(): Wanted | 'end' {
    this.at += 1;
    this.open.pop();
    return this.ended();
  }

  private ended(): 'next' | 'end' {
    return this.open.length === 0 ? 'end' : 'next';
  }

  /** Moves behind the text in quotes at this place. */
  private string(): Fault | undefined {
    this.at += 1;
    for (;;) {
      this.match(/[^"\\\u0000-\u001f]*/y);
      if (this.skip(this.text[this.at] === '"')) return undefined;
      if (this.match(/\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y)) continue;
      if (this.text[this.at] === '\\') return this.fault('an escape that JSON knows');
      return this.fault('a closing quotation mark, or \\n for the end of a line,');
    }
  }

  private skip(isThere: boolean): boolean {
    if (isThere) this.at += 1;
    return isThere;
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const length = pattern.exec(this.text)?.[0].length;
    this.at += length ?? 0;
    return length !== undefined;
  }

  private fault(wanted: string): Fault {
    return { at: this.at, wanted };
  }
}
