import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bitString, boolean, context, integer, objectIdentifier, octetString, sequence, set, utcTime, utf8 } from './der.ts';

/** A server's key and its certificate, both PEM. */
export interface TlsIdentity {
  keyPem: string;
  certPem: string;
}

export interface CertificateAuthority {
  /** What clients must trust: `NODE_EXTRA_CA_CERTS`, `certificate-authority-data`, `tlsOptions.ca`. */
  certificatePem: string;
  /** `localhost`, `127.0.0.1` and `::1` are always among the names. */
  issue(subject?: { names?: readonly string[]; ipAddresses?: readonly string[] }): TlsIdentity;
}

const validForDays = 7;
const dayMs = 24 * 60 * 60 * 1000;

/**
 * An authority that lives as long as the sandbox: its key is written nowhere, so that nothing which was told to trust it
 * can be deceived later. Certificates follow RFC 5280 and are ECDSA on P-256, which every client knows.
 */
export const createCertificateAuthority = (): CertificateAuthority => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName('kaito-ts sandbox');

  const certify = (subject: Buffer, publicKey: KeyObject, extensions: Buffer[]): string => {
    const now = Date.now();
    const certificate = sequence(
      context(0, 'constructed', integer(Uint8Array.of(2))), // Version 3.
      integer(randomBytes(16)),
      ecdsaWithSha256,
      name,
      // The start lies in the past for clients whose clock is behind ours.
      sequence(utcTime(new Date(now - dayMs)), utcTime(new Date(now + validForDays * dayMs))),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      context(3, 'constructed', sequence(...extensions, extension('2.5.29.35', sequence(context(0, 'primitive', keyId(authority.publicKey)))))),
    );
    return toPem(sequence(certificate, ecdsaWithSha256, bitString(sign('sha256', certificate, authority.privateKey))));
  };

  return {
    certificatePem: certify(name, authority.publicKey, [
      criticalExtension('2.5.29.19', sequence(boolean(true))), // basicConstraints: it is an authority.
      criticalExtension('2.5.29.15', bitString(Uint8Array.of(0b0000_0110), 1)), // keyUsage: keyCertSign, cRLSign.
      extension('2.5.29.14', octetString(keyId(authority.publicKey))),
    ]),
    issue({ names = [], ipAddresses = [] } = {}) {
      const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const dnsNames = [...new Set(['localhost', ...names])].map((text) => context(2, 'primitive', Buffer.from(text)));
      const addresses = [...new Set(['127.0.0.1', '::1', ...ipAddresses])].map((text) => context(7, 'primitive', addressBytes(text)));
      const certPem = certify(distinguishedName(names[0] ?? 'localhost'), server.publicKey, [
        criticalExtension('2.5.29.19', sequence()),
        criticalExtension('2.5.29.15', bitString(Uint8Array.of(0b1000_0000), 7)), // keyUsage: digitalSignature.
        extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // extendedKeyUsage: serverAuth.
        extension('2.5.29.17', sequence(...dnsNames, ...addresses)),
        extension('2.5.29.14', octetString(keyId(server.publicKey))),
      ]);
      return { keyPem: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certPem };
    },
  };
};

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

const distinguishedName = (commonName: string): Buffer => sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8(commonName))));

const extension = (identifier: string, value: Buffer): Buffer => sequence(objectIdentifier(identifier), octetString(value));
const criticalExtension = (identifier: string, value: Buffer): Buffer => sequence(objectIdentifier(identifier), boolean(true), octetString(value));

const keyId = (key: KeyObject): Buffer => createHash('sha1').update(key.export({ type: 'spki', format: 'der' })).digest();

const addressBytes = (address: string): Uint8Array => {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
};

const groupsOf = (half: string): string[] => half.split(':').filter((group) => group !== '');

const toPem = (der: Buffer): string => `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
