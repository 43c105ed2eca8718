import type { EnvelopeOptions, GatewayOptions } from '../options/options.js';
import { normalisePath } from '../../server/upgrade/path-pattern.js';
import { mountPointName, type MountPoint } from '../../server/upgrade/mount-point.js';
import { toPort } from '../../server/upgrade/port.js';
import type { Gateway } from './gateway-explorer.js';

/** The options of the adapter that gateways fall back to. */
type Defaults = Pick<EnvelopeOptions, 'path' | 'port'>;

/** A gateway and its mount point. */
export interface MountedGateway {
  readonly gateway: Gateway;
  readonly mountPoint: MountPoint;
  /** The mount point as logs show it: two gateways with the same text share a server. */
  readonly serverName: string;
}

/** Adds its mount point to each gateway. */
export function mountGateways(gateways: readonly Gateway[], defaults: Defaults): MountedGateway[] {
  return gateways.map((gateway) => {
    const mountPoint = gatewayMountPoint(gateway.port, gateway.options, defaults);
    return { gateway, mountPoint, serverName: mountPointName(mountPoint) };
  });
}

/**
 * Returns the mount point of a gateway.
 *
 * @param port the port that the decorator names; 0 if it names none
 * @param defaults the adapter's options
 */
export function gatewayMountPoint(port: number, options: GatewayOptions, defaults: Defaults): MountPoint {
  const { namespace, path = defaults.path } = options;
  return {
    port: toPort(options.port) ?? (port || (toPort(defaults.port) ?? 0)),
    path: namespace instanceof RegExp ? normalisePath(path) : normalisePath(path, namespace),
    expression: namespace instanceof RegExp ? namespace : undefined,
  };
}
