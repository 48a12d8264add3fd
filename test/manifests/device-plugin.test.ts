import { describe, expect, it } from 'vitest';
import { renderDevicePlugin } from '../../src/manifests/device-plugin.ts';
import { checkApiTypes } from './api-types.ts';
import { at, listAt, templates } from './support.ts';

describe('the device plugin that is installed', () => {
  const daemonSet = renderDevicePlugin(templates);
  const podSpec = at(daemonSet, 'spec', 'template', 'spec');

  it('is right by the API’s own types, and labelled as ours', () => {
    expect(checkApiTypes(daemonSet, 'V1DaemonSet')).toEqual([]);
    expect(daemonSet.metadata).toMatchObject({ namespace: 'kube-system', labels: { 'app.kubernetes.io/managed-by': 'kaito-ts' } });
    expect(at(daemonSet, 'spec', 'template', 'metadata', 'labels')).toMatchObject(Object(at(daemonSet, 'spec', 'selector', 'matchLabels')));
  });

  it('goes to GPU nodes and Spot nodes, and to where kubelets look for it', () => {
    expect(listAt(podSpec, 'tolerations')).toEqual(
      expect.arrayContaining([
        { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' },
        { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
        { key: 'kubernetes.azure.com/scalesetpriority', operator: 'Equal', value: 'spot', effect: 'NoSchedule' },
      ]),
    );
    expect(at(podSpec, 'volumes', 0, 'hostPath', 'path')).toBe('/var/lib/kubelet/device-plugins');
    expect(at(podSpec, 'containers', 0, 'volumeMounts', 0, 'mountPath')).toBe('/var/lib/kubelet/device-plugins');
  });
});
