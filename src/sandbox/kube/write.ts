import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { requireAccess, toAccessRequest } from './access.ts';
import { admitNamespace, admitNew } from './admission.ts';
import { applyConfiguration, recordUpdate, type Writer } from './apply.ts';
import { mediaTypeOf, readPatch } from './body.ts';
import { decode } from './decode.ts';
import { applyDefaults } from './defaults.ts';
import { badRequest, conflict, methodNotAllowed, notFound, StatusError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { validateUpdate } from './immutability.ts';
import { textAt } from './json.ts';
import { applyPatch, isApplyPatch, requirePatchType } from './patch.ts';
import { findTarget } from './read.ts';
import { resourceNameOf } from './resources.ts';
import { sendObject } from './respond.ts';
import { replaceReplicas, toScale } from './scale.ts';
import type { StoredObject } from './store.ts';
import { asTargetObject, readObject, readPatched, requireKind } from './target-object.ts';
import { requireTyped } from './typed-value.ts';
import { validate } from './validation.ts';
import { readWriteOptions, type WriteRequest } from './write-options.ts';

/** POST: a new object, with a name of its own or one made from `generateName`. */
export const create = async (exchange: Exchange): Promise<void> => {
  const { target, query, request } = exchange;
  if (target.name !== undefined) throw methodNotAllowed();
  const options = readWriteOptions(request, query, 'CreateOptions');
  const given = await readObject(exchange, options.fieldValidation);
  applyDefaults(given);
  const owned = recordUpdate(undefined, given, writerOf(exchange, options));
  const attempts = given.metadata.name ? 1 : 8;
  sendObject(exchange, 201, retryNames(attempts, () => store(exchange, structuredClone(owned), options.isDryRun)));
};

/** PUT: everything that the request's door may write becomes what the body says. */
export const update = async (exchange: Exchange): Promise<void> => {
  const { target, query, request } = exchange;
  const options = readWriteOptions(request, query, 'UpdateOptions');
  const given = await readObject(exchange, options.fieldValidation);
  const isScale = target.subresource === 'scale';
  const updated = change(exchange, options.isDryRun, (live) => recordChange(exchange, options, live, isScale ? replaceReplicas(live, given) : given));
  sendObject(exchange, 200, isScale ? toScale(updated) : updated);
};

/** PATCH in all four kinds; by apply it also creates. */
export const patch = async (exchange: Exchange): Promise<void> => {
  const { target, query, request } = exchange;
  const mediaType = mediaTypeOf(request);
  requirePatchType(mediaType);
  const options = readWriteOptions(request, query, 'PatchOptions', isApplyPatch(mediaType));
  const body = await readPatch(request);
  if (isApplyPatch(mediaType)) return apply(exchange, body.value, options);

  const isScale = target.subresource === 'scale';
  const patched = change(exchange, options.isDryRun, (live) => {
    const result = applyPatch(isScale ? toScale(live) : live, mediaType, body.value);
    const decoded = readPatched(result, { patch: body, isStrategic: mediaType.includes('strategic') }, exchange, options.fieldValidation);
    return recordChange(exchange, options, live, isScale ? replaceReplicas(live, decoded) : decoded);
  });
  sendObject(exchange, 200, isScale ? toScale(patched) : patched);
};

const apply = (exchange: Exchange, body: unknown, options: WriteRequest): void => {
  const { target, api } = exchange;
  const name = target.name ?? '';
  requireKind(body, target);
  const given = asTargetObject(body, target);
  if ('managedFields' in given.metadata) throw badRequest('metadata.managedFields must be nil');
  requireTyped(body, { kind: given.kind, apiVersion: given.apiVersion, name: textAt(body, 'metadata', 'name') ?? '' });
  const writer = { ...writerOf(exchange, options), force: options.force };
  const resource = resourceNameOf(target.resource);
  const dryRun = options.isDryRun;

  if (api.store.get(resource, target.namespace, name)) {
    return sendObject(exchange, 200, change(exchange, dryRun, (live) => throughDoor(exchange, live, asTargetObject(decode(applyConfiguration(live, given, writer), given.kind).value, target))));
  }
  if (target.subresource) throw notFound(resource, name);
  // Whoever may only patch makes nothing new.
  requireAccess(api.authorize, toAccessRequest(exchange.user, 'create', target.resource, target));
  if (given.metadata.uid) {
    const why = `uid mismatch: the provided object specified uid ${given.metadata.uid}, and no existing object was found`;
    throw conflict(resource, name, why);
  }
  const owned = structuredClone(asTargetObject(decode(applyConfiguration(undefined, given, writer), given.kind).value, target));
  // What defaulting adds belongs to nobody here: whoever applies may leave it to the server.
  applyDefaults(owned);
  sendObject(exchange, 201, store(exchange, owned, dryRun));
};

const store = ({ api, target: { resource } }: Exchange, object: KubernetesObject, dryRun: boolean): StoredObject => {
  admitNamespace(resource, object, api.store);
  admitNew(resource, object, api.store);
  validate(resource, object);
  return api.store.create(resourceNameOf(resource), object, { dryRun });
};

/** Changes the live object, with everything that is checked on the way. A stale `resourceVersion` is the store's to refuse. */
const change = (exchange: Exchange, dryRun: boolean, make: (live: StoredObject) => KubernetesObject): StoredObject => {
  const { api, target } = exchange;
  const { resource, subresource } = target;
  const live = findTarget(api.store, target);
  const after = structuredClone(make(live));
  applyDefaults(after);
  return api.store.update(
    resourceNameOf(resource),
    live.metadata.namespace,
    live.metadata.name,
    (draft) => {
      for (const field of Object.keys(draft)) if (!(field in after)) Reflect.deleteProperty(draft, field);
      Object.assign(draft, after);
      if (subresource) validate(resource, draft);
      else validateUpdate(resource, live, draft);
    },
    { dryRun, ...(subresource === 'status' ? { subresource } : {}) },
  );
};

const recordChange = (exchange: Exchange, options: WriteRequest, live: StoredObject, wanted: KubernetesObject): KubernetesObject => {
  const after = structuredClone(throughDoor(exchange, live, wanted));
  applyDefaults(after);
  return recordUpdate(live, after, writerOf(exchange, options));
};

/** The main resource does not write the status, and `/status` writes nothing else. */
const throughDoor = ({ target: { resource, subresource } }: Exchange, live: StoredObject, wanted: KubernetesObject): KubernetesObject => {
  if (subresource === 'status') {
    const { resourceVersion, managedFields }: KubernetesObject['metadata'] & { managedFields?: unknown } = wanted.metadata;
    const metadata = { ...live.metadata, ...(resourceVersion ? { resourceVersion } : {}), ...(managedFields ? { managedFields } : {}) };
    return { ...live, metadata, ...('status' in wanted ? { status: wanted['status'] } : {}) };
  }
  if (!resource.subresources.includes('status')) return wanted;
  const { status: _kept, ...rest } = wanted;
  return { ...rest, apiVersion: wanted.apiVersion, kind: wanted.kind, metadata: wanted.metadata, ...('status' in live ? { status: live['status'] } : {}) };
};

const writerOf = ({ target: { resource, subresource }, api }: Exchange, { manager }: WriteRequest): Writer => {
  const main = resource.subresources.includes('status') ? ['status'] : [];
  return {
    manager,
    now: api.clock.now(),
    ...(subresource === 'status' || subresource === 'scale' ? { subresource } : {}),
    ignoredFields: subresource === 'status' ? ['spec', 'metadata'] : main,
  };
};

/** A generated name that is taken is generated anew, a few times. */
const retryNames = (attempts: number, attempt: () => StoredObject): StoredObject => {
  try {
    return attempt();
  } catch (error) {
    const isTaken = error instanceof StatusError && error.reason === 'AlreadyExists';
    if (!isTaken || attempts <= 1) throw error;
    return retryNames(attempts - 1, attempt);
  }
};
