import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './files.ts';
import { runTool } from './tools.ts';

/**
 * A cluster has a network namespace of its own, joined to this machine by one pair of interfaces. So of all it uses only
 * one block of addresses, 10.<block>.0.0/16, and the interface's name have to differ from other clusters'.
 */
export const addressesOf = (block: number) => ({
  all: `10.${block}.0.0/16`,
  pods: `10.${block}.0.0/17`,
  services: `10.${block}.128.0/18`,
  apiService: `10.${block}.128.1`,
  link: 24,
  /** This machine's end, and so this machine's address as pods see it. */
  gateway: `10.${block}.255.1`,
  /** The cluster's end: the API server and the DNS server. */
  server: `10.${block}.255.2`,
  node: (index: number) => `10.${block}.254.${index}`,
  interface: `kaito${block}`,
});

/** The first block that no cluster has noted for itself and no route of this machine leads to. */
export const freeBlock = async (): Promise<number> => {
  const routes = (JSON.parse(await runTool(['ip', '-json', '-4', 'route', 'show', 'table', 'all'])) as { dst: string }[]).map(({ dst }) => dst);
  const taken = new Set([...notedBlocks(), ...routes.filter((route) => route.startsWith('10.')).map((route) => Number(route.split('.')[1]))]);
  const everything = routes.some((route) => route === '10.0.0.0/8');
  const block = Array.from({ length: 100 }, (_, index) => 100 + index).find((candidate) => !taken.has(candidate));
  if (block === undefined || everything) throw new Error('No block of addresses between 10.100.0.0/16 and 10.199.0.0/16 is free on this machine: see `ip route`.');
  return block;
};

const notedBlocks = (): number[] => {
  const clusters = join(cacheFolder, 'clusters');
  if (!existsSync(clusters)) return [];
  return readdirSync(clusters).flatMap((name) => {
    const file = join(clusters, name, 'block');
    return existsSync(file) ? [Number(readFileSync(file, 'utf8'))] : [];
  });
};
