const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
// There is one way only to read a run of spaces, so that a hostile header cannot make the match try all others.
const mediaType = new RegExp(`^(${token}/${token})((?:[ \\t]*;(?:[ \\t]*${token}=(?:${token}|${quoted}))?)*)[ \\t]*$`);
const parameter = new RegExp(`(${token})=(${token}|${quoted})`, 'g');

/**
 * True for a Content-Type that says JSON in UTF-8, by RFC 9110 8.3.1: names are case-insensitive, a value may be quoted,
 * and there may be space around a semicolon. Parameters other than `charset` say nothing about JSON and are ignored.
 */
export function isJsonInUtf8(contentType: string): boolean {
  const [, type = '', parameters = ''] = mediaType.exec(contentType) ?? [];
  if (type.toLowerCase() !== 'application/json') return false;
  return [...parameters.matchAll(parameter)].every(
    ([, name = '', value = '']) =>
      name.toLowerCase() !== 'charset' || value.replaceAll(/["\\]/g, '').toLowerCase() === 'utf-8',
  );
}

/** True when nothing has been done to the content: the only coding is `identity`, which is not to be sent, but harmless. */
export function isUnencoded(contentEncoding: string): boolean {
  return contentEncoding.split(',').every((coding) => ['', 'identity'].includes(coding.trim().toLowerCase()));
}
