import type { addressesOf } from './addresses.ts';
import { runTool } from './tools.ts';

/** Joins the network namespace of the supervisor to this machine. It all goes when the namespace does. */
export const connect = async (supervisorPid: number, addresses: ReturnType<typeof addressesOf>): Promise<void> => {
  const outside = (...words: string[]) => runTool(['ip', ...words]);
  const inside = (...words: string[]) => runTool(['nsenter', '--target', String(supervisorPid), '--net', '--', 'ip', ...words]);
  const { interface: name, gateway, server, link, all } = addresses;
  await outside('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(supervisorPid));
  await outside('address', 'add', `${gateway}/${link}`, 'dev', name);
  await outside('link', 'set', name, 'up');
  await inside('link', 'set', 'lo', 'up');
  await inside('address', 'add', `${server}/${link}`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  await inside('route', 'add', 'default', 'via', gateway);
  // Pods, Services and nodes can be reached from this machine too; tests use it, `kubectl` does not need it.
  await outside('route', 'add', all, 'via', server);
  await runTool(['nsenter', '--target', String(supervisorPid), '--net', '--', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
};

/** A namespace is taken down by the kernel in its own time; a pair of interfaces goes at once when it is deleted. */
export const disconnect = async (name: string): Promise<void> => {
  await runTool(['ip', 'link', 'delete', name]).catch(() => undefined); // Gone with the namespace already.
};
