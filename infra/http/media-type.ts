const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
// The pattern can match a run of spaces in only one way, so a hostile header cannot cause backtracking.
const mediaType = new RegExp(`^(${token}/${token})((?:[ \\t]*;(?:[ \\t]*${token}=(?:${token}|${quoted}))?)*)[ \\t]*$`);
const parameter = new RegExp(`(${token})=(${token}|${quoted})`, 'g');

/**
 * Returns true for a Content-Type of JSON in UTF-8. By RFC 9110 8.3.1, names are case-insensitive, a value may be
 * quoted, and there may be spaces around a semicolon. Parameters other than `charset` are ignored.
 */
export function isJsonInUtf8(contentType: string): boolean {
  const [, type = '', parameters = ''] = mediaType.exec(contentType) ?? [];
  if (type.toLowerCase() !== 'application/json') return false;
  return [...parameters.matchAll(parameter)].every(
    ([, name = '', value = '']) =>
      name.toLowerCase() !== 'charset' || value.replaceAll(/["\\]/g, '').toLowerCase() === 'utf-8',
  );
}

/**
 * Returns true if the content is not encoded. The coding `identity`, which should not be sent, is harmless and allowed.
 */
export function isUnencoded(contentEncoding: string): boolean {
  return contentEncoding.split(',').every((coding) => ['', 'identity'].includes(coding.trim().toLowerCase()));
}
