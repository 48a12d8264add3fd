import { down, open, type RealCluster, up, type UpOptions } from '../real/cluster.ts';
import { interruptible } from '../real/interruption.ts';
import { removeHostNames } from './hosts-file.ts';
import { type Registries, startRegistries, stopRegistries } from './registries.ts';

/** Both, or neither. */
export const upWithRegistries = async ({ name, report }: Required<UpOptions>): Promise<{ cluster: RealCluster; registries: Registries }> => {
  const cluster = await up({ name, report });
  report('Starting the registries …');
  return interruptible(report, async (signal) => {
    try {
      const registries = await startRegistries(cluster);
      signal.throwIfAborted();
      return { cluster, registries };
    } catch (error) {
      await downWithRegistries(name);
      throw error;
    }
  });
};

/** Whether there was anything. */
export const downWithRegistries = async (name: string): Promise<boolean> => {
  await open(name).then(stopRegistries, () => removeHostNames(name)); // Of a cluster that was cut off, the names at least.
  return down(name);
};
