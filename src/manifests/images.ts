/** Every image that is run. The versions are KAITO v0.12's; a tag that moves is none of them. */
export interface Images {
  /** Servers and trainer of every preset. */
  base: string;
  /** Pulls the weights. */
  weights: string;
  /** Pulls images as files: datasets and adapters. */
  pull: string;
  download: string;
  push: string;
}

export const defaultImages: Images = {
  base: 'mcr.microsoft.com/aks/kaito/kaito-base:0.5.0',
  weights: 'mcr.microsoft.com/oss/v2/oras-project/oras:v1.2.3',
  pull: 'mcr.microsoft.com/aks/skopeo:1.14.4-6',
  // KAITO takes whatever version is the newest.
  download: 'curlimages/curl:8.12.1',
  push: 'ghcr.io/oras-project/oras:v1.2.2',
};
