import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/sandbox/kube/limits.ts';
import { groupPath, resources } from '../../../src/sandbox/kube/resources.ts';
import { renderSandboxPage, sandboxPage } from '../../support/write-docs.ts';

describe('what the sandbox does not do', () => {
  it('stands in docs/sandbox.md: run `npm run docs` to refresh it', () => {
    expect(readFileSync(sandboxPage, 'utf8')).toBe(renderSandboxPage());
  });

  it('is nothing of what it does', () => {
    const paths = resources.flatMap((resource) => {
      const list = `${groupPath(resource)}/${resource.namespaced ? 'namespaces/default/' : ''}${resource.plural}`;
      return [list, `${list}/a`, ...resource.subresources.map((subresource) => `${list}/a/${subresource}`)];
    });
    expect(paths.filter((path) => limits.some((limit) => limit.paths?.test(path)))).toEqual([]);
  });
});
