import { isIPv4, isIPv6 } from 'node:net';

export type UrlProblem = 'invalid data source URL' | 'data source URL must use HTTP or HTTPS' | 'data source URL must not target a local or metadata endpoint' | 'data source URL must not target a loopback, private, or link-local address';

/**
 * Why a dataset may not come from there, as Go's URL parser and KAITO's check see it; undefined when it may. What Go takes
 * for a name, such as `127.1`, is one here too. https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L383
 */
export const urlProblem = (url: string): UrlProblem | undefined => {
  const parsed = parseLikeGo(url);
  if (!parsed) return 'invalid data source URL';
  if (parsed.scheme !== 'http' && parsed.scheme !== 'https') return 'data source URL must use HTTP or HTTPS';
  const host = parsed.hostname.toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || metadataHosts.has(host)) return 'data source URL must not target a local or metadata endpoint';
  return isInternalAddress(host) ? 'data source URL must not target a loopback, private, or link-local address' : undefined;
};

const metadataHosts = new Set(['metadata.google.internal', 'metadata.google', 'instance-data.ec2.internal']);

/** Undefined for what is no address, or has no host: https://github.com/golang/go/blob/go1.26.0/src/net/url/url.go */
const parseLikeGo = (url: string): { scheme: string; hostname: string } | undefined => {
  const [, scheme = '', authority = '', path = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?]*)([^?]*)/.exec(url) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const user = authority.slice(0, authority.length - host.length);
  if (/[\u0000-\u001F\u007F]/.test(url) || host === '' || !/^[\w.~:!$&'()*+,;=%@-]*$/.test(user) || [user, path].some(hasWrongEscape)) return undefined;
  const hostname = hostnameOf(host, /^https?$/i.test(scheme));
  return hostname === undefined ? undefined : { scheme: scheme.toLowerCase(), hostname };
};

const hasWrongEscape = (text: string): boolean => /%(?![0-9a-fA-F]{2})/.test(text);

/** Without its port and brackets, of which only real IPv6 addresses may have some. */
const hostnameOf = (host: string, isWeb: boolean): string | undefined => {
  if (/[ #/?@\\^`{|}]/.test(host) || hasWrongEscape(host)) return undefined;
  if (host.includes('[')) {
    const [, address = '', zone = ''] = /^\[([^%\]]*)((?:%25[^\]]*)?)\](?::\d*)?$/.exec(host) ?? [];
    return isIPv6(address) && zone !== '%25' ? `${address}${zone.replace('%25', '%')}` : undefined;
  }
  const colons = host.split(':').length - 1;
  // Only what is not ASCII may be escaped, and the percent sign itself.
  if (/%(?![89a-fA-F]|25)/.test(host) || (colons > 0 && !/:\d*$/.test(host)) || (isWeb && colons > 1)) return undefined;
  return host.replace(/:\d*$/, '').replaceAll('%25', '%').replaceAll(/%[0-9a-fA-F]{2}/g, '\uFFFD');
};

const isInternalAddress = (host: string): boolean => {
  const [address = ''] = host.split('%');
  if (isIPv4(address)) return isInternalV4(address.split('.').map(Number));
  if (!isIPv6(address)) return false;
  const groups = toGroups(address);
  const [first = 0] = groups;
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff) return isInternalV4([groups[6] ?? 0, groups[7] ?? 0].flatMap((group) => [group >> 8, group & 0xff]));
  const isLoopback = groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1;
  // fc00::/7, fe80::/10 and ff02::/16.
  return isLoopback || (first & 0xfe_00) === 0xfc_00 || (first & 0xff_c0) === 0xfe_80 || (first & 0xff_0f) === 0xff_02;
};

const isInternalV4 = ([first = 0, second = 0, third = 0]: readonly number[]): boolean =>
  first === 127 || first === 10 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168) || (first === 169 && second === 254) || (first === 224 && second === 0 && third === 0);

/** The eight numbers of an IPv6 address. */
const toGroups = (address: string): number[] => {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain = dotted ? `${dotted[1]}${(Number(dotted[2]) * 256 + Number(dotted[3])).toString(16)}:${(Number(dotted[4]) * 256 + Number(dotted[5])).toString(16)}` : address;
  const [head = '', tail] = plain.split('::');
  const [before, after] = [readGroups(head), readGroups(tail ?? '')];
  return tail === undefined ? before : [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
};

const readGroups = (part: string): number[] => part.split(':').filter(Boolean).map((group) => Number.parseInt(group, 16));
