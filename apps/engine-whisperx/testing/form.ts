export interface FormFile {
  readonly name: string;
  readonly type: string;
  readonly content: Buffer;
}

/** A multipart body of a test: strict, so that a form that is not well made shows. @throws Error */
export function readForm(
  body: Buffer,
  boundary: string,
): { readonly fields: Readonly<Record<string, string>>; readonly file: FormFile | undefined } {
  const fields: Record<string, string> = {};
  let file: FormFile | undefined;
  const mark = `--${boundary}`;
  let at = body.indexOf(`${mark}\r\n`);
  if (at !== 0) throw new Error('the form does not begin with its boundary');
  while (body.toString('latin1', at, at + mark.length + 4) !== `${mark}--\r\n`) {
    const headEnd = body.indexOf('\r\n\r\n', at);
    const end = body.indexOf(`\r\n${mark}`, headEnd);
    if (headEnd === -1 || end === -1) throw new Error('a part of the form has no end');
    const head = body.toString('utf8', at, headEnd);
    const content = body.subarray(headEnd + 4, end);
    const name = /[; ]name="([^"]*)"/.exec(head)?.[1] ?? '';
    const filename = /filename="([^"]*)"/.exec(head)?.[1];
    if (filename !== undefined) file = { name: filename, type: /content-type: (\S+)/.exec(head)?.[1] ?? '', content };
    else fields[name] = name in fields ? `${fields[name] ?? ''},${content.toString()}` : content.toString();
    at = end + 2;
  }
  return { fields, file };
}
