import { readFile } from 'node:fs/promises';
import type { Entry } from './layer.ts';

const program = '/usr/local/lib/kaito-base';

/** Of the scripts only the names are looked at. */
const scripts = [
  '/workspace/tfs/fine_tuning.py',
  '/workspace/tfs/inference_api.py',
  '/workspace/tfs/cli.py',
  '/workspace/tfs/parser.py',
  '/workspace/tfs/dataset.py',
  '/workspace/tfs/metrics_server.py',
  '/workspace/vllm/inference_api.py',
  '/workspace/vllm/multi-node-health-check.py',
  '/workspace/vllm/benchmark_entrypoint.py',
  '/workspace/vllm/rate_limit.py',
];

const provisionCuda = `#!/bin/sh
# Brings nvcc into the folder, once.
set -eu
[ -x "$1/bin/nvcc" ] && { echo "CUDA toolkit already present in $1"; exit 0; }
mkdir -p "$1/bin"
printf '#!/bin/sh\\necho "Cuda compilation tools, release 12.9"\\n' > "$1/bin/nvcc"
chmod 755 "$1/bin/nvcc"
echo "CUDA toolkit installed in $1"
`;

/** The layout of KAITO's base image, with the stand-in under the names of the programs. */
export const kaitoBaseEntries = async (binary: string): Promise<Entry[]> => [
  { path: program, content: await readFile(binary), mode: 0o755 },
  ...['/usr/local/bin/python3', '/usr/local/bin/python', '/usr/local/bin/accelerate', '/workspace/vllm/multi-node-serving.sh'].map((path): Entry => ({ path, link: program })),
  ...scripts.map((path): Entry => ({ path, content: '# Played by a stand-in.\n' })),
  { path: '/workspace/weights', folder: true },
  { path: '/workspace/tfs/weights', link: '/workspace/weights' },
  { path: '/workspace/vllm/weights', link: '/workspace/weights' },
  { path: '/workspace/chat_templates', folder: true },
  { path: '/workspace/cuda-provision.sh', content: provisionCuda, mode: 0o755 },
  { path: '/workspace/version.txt', content: '0.5.0\n' },
];
