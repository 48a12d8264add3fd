import { describe, expect, it } from 'vitest';
import type { Facts, PullFacts } from '../../src/domain/facts.ts';
import { judgeImageSecret, judgePermissions, judgePull, judgePush, judgeStorage, judgeTokenSecret } from '../../src/plan/checks.ts';
import { facts } from './support.ts';

const credentials = { type: 'kubernetes.io/dockerconfigjson', keys: ['.dockerconfigjson'] };
const withSecret = (secret: Facts['secrets'][string]) => facts({ secrets: { mine: secret } });
const { defaultStorageClass: _, ...withoutDefault } = facts({ storageClasses: ['slow', 'fast'] });
const image = 'registry.example/mine:1';
const pulls = (pull: PullFacts) => facts({ pulls: { [image]: pull } });
const { push: __, ...withoutPush } = facts();

describe('what holds', () => {
  it.each([
    ['permissions', judgePermissions(facts()), 'passed', 'patch jobs.batch'],
    ['a registry Secret', judgeImageSecret('mine', withSecret(credentials), '--output-image-secret'), 'passed', 'mine holds registry credentials'],
    ['a token Secret', judgeTokenSecret('mine', withSecret({ type: 'Opaque', keys: ['HF_TOKEN'] })), 'passed', 'Secret mine has HF_TOKEN'],
    ['a default StorageClass', judgeStorage(facts(), undefined), 'passed', 'StorageClass standard is the default'],
    ['a named StorageClass', judgeStorage(facts(), 'standard'), 'passed', 'StorageClass standard'],
    ['a push', judgePush('registry.example/mine:1', facts(), 'mine'), 'passed', 'the registry accepts a push to registry.example/mine:1'],
    ['a pull', judgePull({ image, secretNames: [] }, pulls({ canPull: true }), '--adapter-secret'), 'passed', 'the registry has registry.example/mine:1'],
  ])('is told as the fact that shows it: %s', (_what, check, verdict, fact) => {
    expect(check).toMatchObject({ verdict, fact });
  });

  it.each([
    ['StorageClasses that may not be listed', judgeStorage({ ...withoutDefault, storageClasses: [] }, undefined)],
    ['a named StorageClass that cannot be looked up', judgeStorage({ ...withoutDefault, storageClasses: [] }, 'fast')],
    ['a registry that only the cluster reaches', judgePush('registry.example/mine:1', facts({ push: { canPush: false, reason: 'unreachable', fact: 'ENOTFOUND' } }), undefined)],
    ['an image that only the cluster reaches', judgePull({ image, secretNames: ['mine'] }, pulls({ canPull: false, reason: 'unreachable', fact: 'ENOTFOUND' }), '--adapter-secret')],
    ['a pull that was not tried', judgePull({ image, secretNames: [] }, facts(), '--adapter-secret')],
    ['a push that was not tried', judgePush('registry.example/mine:1', withoutPush, undefined)],
  ])('is not claimed of what is not known: %s', (_what, check) => {
    expect(check.verdict).not.toBe('refused');
  });
});

describe('what does not hold', () => {
  it('names all that is not permitted, with the reason and a way to look', () => {
    const permissions = [{ what: 'patch configmaps', isAllowed: true }, { what: 'patch jobs.batch', isAllowed: false, reason: 'no RBAC policy matched' }, { what: 'watch nodes', isAllowed: false, isClusterWide: true as const }];
    expect(() => judgePermissions(facts({ permissions }))).toThrow(
      expect.objectContaining({ name: 'AccessError', message: 'You may not do in namespace default what this needs.', fact: 'patch jobs.batch: no (no RBAC policy matched)\nwatch nodes: no', hints: ['kubectl auth can-i patch jobs.batch -n default', 'kubectl auth can-i watch nodes', 'Ask the administrator of the cluster for these permissions'] }),
    );
  });

  it.each<[string, () => unknown, object]>([
    ['a registry Secret that is missing', () => judgeImageSecret('mine', withSecret('missing'), '--adapter-secret'), { reason: 'SecretNotFound', message: 'Secret mine does not exist in namespace default.', hints: expect.arrayContaining(['Or name another with --adapter-secret.']) }],
    ['a registry Secret that nobody asked for', () => judgeImageSecret('mine', facts(), '--adapter-secret'), { reason: 'SecretNotFound' }],
    ['a registry Secret of another type', () => judgeImageSecret('mine', withSecret({ type: 'Opaque', keys: ['.dockerconfigjson'] }), '--adapter-secret'), { reason: 'SecretOfWrongType', fact: 'Its type is Opaque, and kubernetes.io/dockerconfigjson is needed.' }],
    ['a token Secret that is missing', () => judgeTokenSecret('mine', withSecret('missing')), { reason: 'SecretNotFound', message: 'Secret mine does not exist in namespace default.' }],
    ['a token Secret without the key', () => judgeTokenSecret('mine', withSecret({ type: 'Opaque', keys: ['token'] })), { message: 'Secret mine has no key HF_TOKEN.', hints: ['kubectl create secret generic mine -n default --from-literal=HF_TOKEN=<token>'] }],
    ['no default StorageClass', () => judgeStorage(withoutDefault, undefined), { reason: 'NoDefaultStorageClass', fact: 'There are: slow, fast.' }],
    ['a StorageClass that does not exist', () => judgeStorage(facts(), 'fast'), { reason: 'StorageClassNotFound', fact: 'There are: standard.' }],
    ['a push with a Secret', () => judgePush('registry.example/mine:1', facts({ push: { canPush: false, reason: 'refused', fact: '401: unauthorized' } }), 'mine'), { reason: 'PushRefused', fact: '401: unauthorized', hints: ['Check the credentials in Secret mine: they must allow pushing.'] }],
    ['a push without one', () => judgePush('registry.example/mine:1', facts({ push: { canPush: false, reason: 'refused', fact: '401' } }), undefined), { hints: ['Name the Secret with the credentials: --output-image-secret <name>'] }],
    ['an image that is not there', () => judgePull({ image, secretNames: [] }, pulls({ canPull: false, reason: 'missing', fact: '404' }), '--adapter-secret'), { reason: 'ImageNotFound', message: 'Image registry.example/mine:1 does not exist.', hints: expect.arrayContaining(['Check the name and the tag of the image.', expect.stringContaining('--adapter-secret')]) }],
    ['a pull without credentials', () => judgePull({ image, secretNames: [] }, pulls({ canPull: false, reason: 'refused', fact: '401' }), '--adapter-secret'), { reason: 'PullRefused', fact: '401', hints: ['If it is private, name the Secret with the credentials: --adapter-secret <name>'] }],
    ['credentials that do not allow a pull', () => judgePull({ image, secretNames: ['mine'] }, pulls({ canPull: false, reason: 'refused', fact: '403' }), '--adapter-secret'), { reason: 'PullRefused', fact: '403', hints: ['Check the credentials in Secret mine: they must allow pulling.'] }],
  ])('is refused before anything is spent: %s', (_what, judge, expected) => {
    expect(judge).toThrow(expect.objectContaining({ name: 'PreflightError', ...expected }));
  });
});
