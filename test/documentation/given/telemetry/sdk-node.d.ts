// Declares the part of the uninstalled package that the example uses.
declare module '@opentelemetry/sdk-node' {
  import type { IMetricReader } from '@opentelemetry/sdk-metrics';

  export class NodeSDK {
    constructor(configuration: { serviceName: string; metricReader: IMetricReader });
    start(): void;
  }
}
