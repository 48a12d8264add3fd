import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { textAt } from '../../src/sandbox/kube/json.ts';
import type { ProvidedCluster } from '../cluster/real/global-setup.ts';
import { busyboxImage } from '../cluster/real/node-image.ts';
import { openApi, readCredentials } from './api.ts';
import { casesByFile } from './cases/index.ts';
import { compare } from './compare.ts';
import { unknownDifferences } from './known-differences.ts';
import { readRecorded, recordedMinorVersion } from './recorded.ts';
import { observe, type Subject } from './run.ts';
import { sandboxImage, sandboxOptions } from './sandbox.ts';
import type { ConformanceCase } from './server.ts';

/** Nothing is provided in `npm test`, where there is no cluster. */
const provided: ProvidedCluster | undefined = inject('realCluster');

/** On somebody else's cluster only what needs a namespace and nothing more; there the image may be named. */
const image = process.env['KAITO_TEST_IMAGE'] ?? (provided?.kind === 'ours' ? busyboxImage : undefined);
/** Where no image is known nothing runs; objects that name one are written all the same. */
const nobodysImage = 'nobody.example/nothing:1';
const isWithin = ({ needs }: ConformanceCase, isOld: boolean): boolean => {
  if (needs === 'pods') return image !== undefined;
  if (needs === 'identities') return provided?.kind === 'ours';
  return needs === undefined || isOld;
};

describe.skipIf(provided === undefined)('a real cluster and the sandbox answer alike (needs a real cluster: npm run test:cluster)', () => {
  let sandbox: Sandbox;
  let real: Subject;
  let minorVersion = 0;
  let isOld = false;
  beforeAll(async () => {
    sandbox = await startSandbox(sandboxOptions);
    real = { credentials: readCredentials(provided?.kubeconfigFile ?? ''), image: image ?? nobodysImage };
    const api = openApi(real.credentials);
    minorVersion = Number.parseInt(textAt((await api.send('GET', '/version')).body, 'minor') ?? '', 10);
    // Forgotten are the versions that etcd has compacted, which it does every few minutes.
    isOld = (await api.send('GET', '/api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Exact&limit=1')).code === 410;
    api.close();
  });
  afterAll(() => sandbox.close());

  describe.each(Object.entries(casesByFile))('%s', (file, cases) => {
    const recorded = readRecorded(file);

    it.concurrent.for(cases.map((conformanceCase) => [conformanceCase.title, conformanceCase] as const))('%s', async ([title, conformanceCase], { skip }) => {
      skip(!isWithin(conformanceCase, isOld), `needs ${conformanceCase.needs ?? ''}, which this cluster does not have or is not known to allow`);
      const since = conformanceCase.sinceMinorVersion ?? 0;
      skip(minorVersion < since, `is so since 1.${since}, and this is 1.${minorVersion}`);
      const [answered, acted] = await Promise.all([observe(conformanceCase, real), observe(conformanceCase, { credentials: readCredentials(sandbox.environment['KUBECONFIG'] ?? ''), image: sandboxImage })]);
      expect(unknownDifferences(file, title, compare(acted, answered)), 'the sandbox answers otherwise than this cluster').toEqual([]);
      skip(minorVersion !== recordedMinorVersion, `the recording is of 1.${recordedMinorVersion}`);
      expect(
        compare(answered, recorded.get(title)).map(({ text }) => text),
        'the recording is stale: KAITO_TEST_KUBECONFIG=... node test/conformance/record.ts',
      ).toEqual([]);
    });
  });
});
