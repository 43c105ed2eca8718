import type { EnvelopeOptions, GatewayOptions } from '../options/options.js';
import { normalisePath } from '../../server/upgrade/path-pattern.js';
import type { MountPoint } from '../../server/upgrade/mount-point.js';
import { toPort } from '../../server/upgrade/port.js';

/**
 * Where a gateway is mounted.
 *
 * @param port that of its decorator; 0: it names none
 * @param defaults the adapter's
 */
export function gatewayMountPoint(
  port: number,
  options: GatewayOptions,
  defaults: Pick<EnvelopeOptions, 'path' | 'port'>,
): MountPoint {
  const { namespace, path = defaults.path } = options;
  return {
    port: toPort(options.port) ?? (port || (toPort(defaults.port) ?? 0)),
    path: namespace instanceof RegExp ? normalisePath(path) : normalisePath(path, namespace),
    expression: namespace instanceof RegExp ? namespace : undefined,
  };
}
