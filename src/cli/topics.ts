import { exitCodeMeanings, exitCodes } from '../domain/errors.ts';

/** Help that belongs to no command: `kaito-ts help exit-codes`. */
export const topics: Record<string, () => string> = {
  'exit-codes': () => {
    const names = Object.keys(exitCodes).filter((name): name is keyof typeof exitCodes => name in exitCodeMeanings);
    const rows = names.map((name) => `  ${String(exitCodes[name]).padStart(3)}  ${exitCodeMeanings[name]}`);
    return `What the exit codes mean\n\n${rows.join('\n')}\n`;
  },
  environment: () =>
    [
      'Environment variables that are read',
      '',
      '  Every long option as KAITO_ and its name in capitals: KAITO_NAMESPACE, KAITO_REGISTRY, KAITO_INSTANCE_TYPE, KAITO_OUTPUT.',
      '  Flags win over these, these over ./kaito-ts.yaml, and that over ~/.config/kaito-ts/config.yaml.',
      '',
      '  KUBECONFIG                       kubeconfig files, as for kubectl',
      '  HTTPS_PROXY, NO_PROXY            proxy for the Kubernetes API',
      '  NODE_EXTRA_CA_CERTS              certificates to trust besides the usual ones',
      '  AZURE_SUBSCRIPTION_ID            subscription of the AKS cluster',
      '  AZURE_RESOURCE_GROUP             resource group of the AKS cluster',
      '  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and the other variables of the Azure identity libraries',
      '  AZURE_TOKEN_CREDENTIALS          which login to use, such as AzureCliCredential',
      '  AZURE_AUTHORITY_HOST             login of a sovereign cloud',
      '  AZURE_RESOURCE_MANAGER_ENDPOINT  Azure Resource Manager of a sovereign or private cloud',
      '  HF_TOKEN, HF_TOKEN_PATH          token for gated and private models of Hugging Face (else that of: hf auth login)',
      '  HF_ENDPOINT                      a mirror of the Hugging Face hub',
      '  XDG_CACHE_HOME                   where what the hub said is kept, in kaito-ts (default: ~/.cache)',
      '  NO_COLOR, FORCE_COLOR, CI        colours, and whether somebody watches',
      '',
    ].join('\n'),
};
