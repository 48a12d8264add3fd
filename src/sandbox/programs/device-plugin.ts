import { untilAborted } from './model-waiting.ts';
import type { Program } from './program.ts';

/** NVIDIA's device plugin: it registers the GPUs of its node, and stays. The node's own start makes them allocatable. */
export const devicePlugin: Program = {
  matches: ({ image }) => /\/k8s-device-plugin(?:[:@]|$)/.test(image),
  async run({ stderr, clock, signal, killed }) {
    const log = (text: string): void => stderr(`I${clock.now().toISOString().slice(5, 23).replaceAll('-', '').replace('T', ' ')}       1 main.go:235] ${text}\n`);
    log('"Starting NVIDIA Device Plugin"');
    log('Starting FS watcher for /var/lib/kubelet/device-plugins');
    log('Retrieving plugins.');
    log("Starting GRPC server for 'nvidia.com/gpu'");
    log("Registered device plugin for 'nvidia.com/gpu' with Kubelet");
    await untilAborted(AbortSignal.any([signal, killed]));
    log('Received signal "terminated", shutting down.');
    return 0;
  },
};
