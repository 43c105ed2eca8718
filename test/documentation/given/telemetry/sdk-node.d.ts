// What the example takes of a package that is not installed here.
declare module '@opentelemetry/sdk-node' {
  import type { IMetricReader } from '@opentelemetry/sdk-metrics';

  export class NodeSDK {
    constructor(configuration: { serviceName: string; metricReader: IMetricReader });
    start(): void;
  }
}
