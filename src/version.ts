import { createRequire } from 'node:module';

const { version: packageVersion }: { version: string } = createRequire(import.meta.url)('../package.json');

/** This program's version. */
export const version = packageVersion;
