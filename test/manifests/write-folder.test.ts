import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFolder } from '../../src/manifests/write-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'render-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('a folder of manifests', () => {
  it('is made, and written anew by the next run', async () => {
    const inner = join(folder, 'a/b');
    await writeFolder(inner, [{ name: 'x.yaml', text: 'one\n' }], { force: false });
    await writeFolder(inner, [{ name: 'x.yaml', text: 'two\n' }], { force: false });
    expect(read('a/b/x.yaml')).toBe('# Written by kaito-ts render, and written anew by it.\ntwo\n');
  });

  it('loses no file of somebody else’s, and then gets none of ours', async () => {
    writeFileSync(join(folder, 'kustomization.yaml'), 'mine\n');
    const files = [{ name: 'x.yaml', text: 'x\n' }, { name: 'kustomization.yaml', text: 'k\n' }];
    await expect(writeFolder(folder, files, { force: false })).rejects.toMatchObject({ reason: 'FilesNotOurs', message: expect.stringContaining('kustomization.yaml') });
    expect(read('kustomization.yaml')).toBe('mine\n');
    expect(() => read('x.yaml')).toThrow('ENOENT');
    await writeFolder(folder, files, { force: true });
    expect(read('kustomization.yaml')).toContain('k\n');
  });

  it('that is a file is refused', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(writeFolder(join(folder, 'file'), [{ name: 'x.yaml', text: '' }], { force: false })).rejects.toMatchObject({ reason: 'UnwritableFolder' });
  });
});
