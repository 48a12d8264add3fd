import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '../cluster/real/node-image.ts';
import { readCredentials } from './api.ts';
import { casesByFile } from './cases/index.ts';
import { recordedFolder } from './recorded.ts';
import { observe, type Subject } from './run.ts';

/**
 * Writes down what a real server answers: `KAITO_TEST_KUBECONFIG=... node test/conformance/record.ts [file ...]`. The
 * image is KAITO_TEST_IMAGE, and must be on the nodes already or in a registry that they reach.
 */
const record = async (subject: Subject, only: readonly string[]): Promise<void> => {
  mkdirSync(recordedFolder, { recursive: true });
  for (const [file, cases] of Object.entries(casesByFile)) {
    if (only.length > 0 && !only.includes(file)) continue;
    const observed = await Promise.all(
      cases.map(async (conformanceCase): Promise<[string, unknown]> => {
        try {
          return [conformanceCase.title, await observe(conformanceCase, subject)];
        } catch (error) {
          throw new Error(`${file}: ${conformanceCase.title}`, { cause: error });
        }
      }),
    );
    writeFileSync(join(recordedFolder, `${file}.json`), `${JSON.stringify(Object.fromEntries(observed), undefined, 1)}\n`);
    process.stdout.write(`${file}: ${observed.length} cases\n`);
  }
};

const kubeconfig = process.env['KAITO_TEST_KUBECONFIG'];
if (!kubeconfig) throw new Error('KAITO_TEST_KUBECONFIG names no kubeconfig of a real cluster to record.');
await record({ credentials: readCredentials(kubeconfig), image: process.env['KAITO_TEST_IMAGE'] ?? busyboxImage }, process.argv.slice(2));
