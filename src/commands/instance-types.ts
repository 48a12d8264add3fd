import { defineCommand } from '../cli/command.ts';
import { text } from '../cli/options.ts';

export default defineCommand({
  summary: 'List the GPU machines that can be rented on Azure, with their memory and list prices',
  usesCluster: false,
  arguments: [],
  options: {
    region: text('--region <name>', 'region of the prices', { defaultText: 'eastus' }),
  },
  examples: ['instance-types', 'instance-types --region westeurope -o json'],
  async *run({ options: { region = 'eastus' } }) {
    const [{ azureInstanceTypes }, { findPrice }] = await Promise.all([import('../domain/azure-instance-types.ts'), import('../domain/azure-prices.ts')]);
    const types = azureInstanceTypes.map((type) => ({ ...type, price: findPrice(type.name, region) }));
    yield {
      type: 'table',
      columns: ['NAME', 'GPUS', 'GPU', 'GPU MEMORY', 'VCPUS', 'QUOTA FAMILY', `$/HOUR IN ${region.toUpperCase()}`],
      rows: types.map(({ name, gpuCount, gpuModel, gpuMemoryGiB, vCpuCount, quotaFamily, price }) => [
        name,
        String(gpuCount),
        gpuModel,
        `${gpuMemoryGiB} GiB`,
        String(vCpuCount),
        quotaFamily,
        price ? price.usdPerHour.toFixed(2) : 'unknown',
      ]),
      data: { items: types, region },
    };
  },
});
