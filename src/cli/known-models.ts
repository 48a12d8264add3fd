import type { Event } from '../domain/event.ts';
import { findPreset, isHubModel } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import type { Context } from './command.ts';

/**
 * The catalogue and, when a Hugging Face id is wanted that it does not have, that model as one more preset. Names of the
 * catalogue never touch the network.
 */
export async function* knownModels({ presets, hub, signal }: Pick<Context, 'presets' | 'hub' | 'signal'>, wanted: string | undefined, revision?: string): AsyncGenerator<Event, readonly Preset[]> {
  const catalogue = await presets();
  const id = wanted?.trim();
  if (id === undefined || !isHubModel(catalogue, id)) return catalogue;
  const found = findPreset(catalogue, id);
  const { readModel } = await hub();
  const { preset, notes } = await readModel({ id, nearest: found.kind === 'unknown' ? found.nearest : [], signal, ...(revision === undefined ? {} : { revision }) });
  for (const message of notes) yield { type: 'note', message };
  // Also under the name that it was asked for by, should it have been renamed.
  return [...catalogue, preset.huggingFaceId.toLowerCase() === id.toLowerCase() ? preset : { ...preset, aliases: [id] }];
}
