import type { Cluster } from '../cluster/cluster.ts';
import { KaitoError } from '../domain/errors.ts';
import type { Workspace } from '../domain/workspace.ts';

/** In what rhythm the trainer tells its loss, and how long it trains. */
export interface TrainingSchedule {
  /** Steps from one loss to the next. */
  loggingSteps: number;
  epochs: number;
  maxSteps?: number;
}

/**
 * Read from the very file that the trainer reads; what is not there has the defaults of trl's SFTConfig, and what is there
 * twice counts as the trainer has it. Undefined where losses come at other times than every so many steps, and where the
 * file cannot be read: then the steps are those of the progress bar alone.
 */
export const readTrainingSchedule = async (cluster: Pick<Cluster, 'get'>, { metadata: { name, namespace }, tuning }: Workspace, signal: AbortSignal): Promise<TrainingSchedule | undefined> => {
  try {
    const [configMap, { parse }] = await Promise.all([cluster.get('ConfigMap', tuning?.config ?? `${name}-training`, { namespace, signal }), import('yaml')]);
    return toSchedule(parse(configMap?.data?.['training_config.yaml'] ?? ''));
  } catch (error) {
    // Whatever is the matter with the file is the trainer's to tell, and progress is not worth failing for.
    if (error instanceof KaitoError || (error instanceof Error && error.name.startsWith('YAML'))) return undefined;
    throw error;
  }
};

export const toSchedule = (file: unknown): TrainingSchedule | undefined => {
  const settings = at(at(file, 'training_config'), 'TrainingArguments');
  const numberOf = (key: string, otherwise: number): number => {
    const value = Number(at(settings, key) ?? otherwise);
    return Number.isFinite(value) ? value : otherwise;
  };
  const loggingSteps = numberOf('logging_steps', 10);
  // Below one it is a share of the whole run, which only the bar knows.
  if (settings === undefined || loggingSteps < 1 || (at(settings, 'logging_strategy') ?? 'steps') !== 'steps') return undefined;
  if (at(settings, 'logging_first_step') === true && loggingSteps > 1) return undefined;
  const maxSteps = numberOf('max_steps', -1);
  return { loggingSteps: Math.round(loggingSteps), epochs: numberOf('num_train_epochs', 3), ...(maxSteps > 0 ? { maxSteps } : {}) };
};

const at = (value: unknown, key: string): unknown => (typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined);
