import type { Clock } from '../domain/clock.ts';
import { KaitoError, UsageError } from '../domain/errors.ts';
import type { Preset } from '../domain/preset.ts';
import { isCommit } from './answers.ts';
import { createHubCache } from './cache.ts';
import { createHubClient, type HubRequest, type ModelInfo } from './client.ts';
import type { ModelFacts } from './model-facts.ts';
import { isUnreachable } from './refusals.ts';
import type { HubSettings } from './settings.ts';
import { toPreset } from './to-preset.ts';

/** Models that are not of the catalogue. */
export interface Hub {
  /**
   * The model as a preset, pinned to a commit: the given one, or the newest as of at most an hour ago. Throws AccessError,
   * NotFoundError, PreflightError (vLLM does not serve it), TimeoutError and FailedError.
   */
  readModel(request: HubRequest): Promise<HubModel>;
}

export interface HubModel {
  preset: Preset;
  /** What people should know about where this comes from, as sentences. */
  notes: string[];
}

/** The Hugging Face hub with a copy on disk: what one commit says never changes, and is asked for once. */
export const createHub = (settings: HubSettings, clock: Pick<Clock, 'now'>): Hub => {
  const cache = createHubCache(settings.cacheFolder, `${settings.endpoint.host}${settings.endpoint.pathname}`);
  const client = createHubClient(settings);

  const readFacts = async (info: ModelInfo, request: HubRequest): Promise<ModelFacts> => {
    const kept = await cache.readFacts(request.id, info.commit);
    if (kept) return kept;
    const facts = await client.readFacts(info, request);
    await cache.writeFacts(request.id, facts);
    return facts;
  };

  const readCommit = async (commit: string, request: HubRequest): Promise<ModelFacts> => {
    const kept = await cache.readFacts(request.id, commit);
    return kept ?? (await readFacts(await client.readInfo({ ...request, revision: commit }), request));
  };

  const readNewest = async (request: HubRequest): Promise<{ facts: ModelFacts; notes: string[] }> => {
    const { id } = request;
    const head = await cache.readHead(id);
    const kept = head && (await cache.readFacts(id, head.commit));
    if (head && kept && isFresh(head.checkedAtMs, clock.now())) return { facts: kept, notes: [] };
    try {
      const info = await client.readInfo(request);
      const facts = await readFacts(info, request);
      await cache.writeHead(id, { commit: info.commit, checkedAtMs: clock.now() });
      return { facts, notes: [] };
    } catch (error) {
      if (!head || !kept || !(error instanceof KaitoError) || !isUnreachable(error)) throw error;
      return { facts: kept, notes: [`${error.message} It is taken as it was at commit ${head.commit.slice(0, 12)}, read on ${new Date(head.checkedAtMs).toISOString().slice(0, 10)}.`] };
    }
  };

  return {
    async readModel(request) {
      if (request.revision !== undefined && !isCommit(request.revision)) throw new UsageError(`${JSON.stringify(request.revision)} is no commit of ${request.id}.`, { reason: 'InvalidCommit', hints: ['A commit has 40 hexadecimal digits.'] });
      const { facts, notes } = request.revision === undefined ? await readNewest(request) : { facts: await readCommit(request.revision, request), notes: [] };
      const moved = facts.id.toLowerCase() === request.id.toLowerCase() ? [] : [`${request.id} is now called ${facts.id}.`];
      return { preset: toPreset(facts), notes: [...notes, ...moved] };
    },
  };
};

/** A model's repository seldom changes, and a change of its README is none that matters. */
const headAgeMaxMs = 3_600_000;

/** A clock that was put back makes nothing fresh. */
const isFresh = (checkedAtMs: number, nowMs: number): boolean => checkedAtMs <= nowMs && nowMs - checkedAtMs < headAgeMaxMs;
