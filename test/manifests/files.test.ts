import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotFoundError, UsageError } from '../../src/domain/errors.ts';
import { readPresets, readTemplates, templateNames } from '../../src/manifests/files.ts';
import { templateFolder, templates } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kaito-ts-templates-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const write = async (file: string, content: string): Promise<void> => {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
};

describe('readTemplates', () => {
  it('reads every template and every script', () => {
    for (const name of templateNames) expect(templates.template(name).file).toBe(`${name}.yaml`);
    expect(Object.keys(templates.scripts)).toEqual(['pull-image', 'download-dataset', 'push-adapter']);
  });

  it('takes a file of the user\'s in the place of its own, and its own for the rest', async () => {
    await write('inference/cuda-toolkit.yaml', 'name: mine\nvolumeMounts: [{name: x, mountPath: "${server.cudaToolkitFolder}"}]\n');
    await write('scripts/push-adapter.sh', 'exit 0\n');
    const overridden = await readTemplates(templateFolder, folder);
    expect(overridden.template('inference/cuda-toolkit').content).toMatchObject({ name: 'mine' });
    expect(overridden.scripts['push-adapter']).toBe('exit 0\n');
    expect(overridden.template('tuning/job')).toEqual(templates.template('tuning/job'));
  });

  it('refuses a file that replaces nothing, which would be without effect', async () => {
    await write('tuning/jobs.yaml', 'kind: Job\n');
    await write('README.md', 'Not a template.');
    await expect(readTemplates(templateFolder, folder)).rejects.toThrow(expect.objectContaining({ constructor: UsageError, message: expect.stringContaining('tuning/jobs.yaml') }));
  });

  it.each([
    ['is no YAML', 'kind: [', 'File tuning/job.yaml is no valid YAML.'],
    ['has a key twice', 'kind: Job\nkind: Pod\n', 'File tuning/job.yaml is no valid YAML.'],
    ['is a list', '- kind: Job\n', 'File tuning/job.yaml must hold one map.'],
    ['has two documents', 'kind: Job\n---\nkind: Pod\n', 'File tuning/job.yaml is no valid YAML.'],
    ['is empty', '', 'File tuning/job.yaml must hold one map.'],
  ])('names a file that %s', async (_, content, message) => {
    await write('tuning/job.yaml', content);
    await expect(readTemplates(templateFolder, folder)).rejects.toThrow(expect.objectContaining({ constructor: UsageError, message }));
  });

  it('says that a directory is not there', async () => {
    await expect(readTemplates(templateFolder, join(folder, 'nowhere'))).rejects.toThrow(NotFoundError);
  });
});

describe('readPresets', () => {
  it('names a file that is wrong', async () => {
    await write('tiny.yaml', 'name: tiny\n');
    await expect(readPresets(folder)).rejects.toThrow(expect.objectContaining({ message: 'Preset file tiny.yaml is wrong.' }));
  });
});
