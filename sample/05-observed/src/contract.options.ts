import type { ContractOptions } from 'nestjs-envelope/contract';

export const contractOptions: ContractOptions = {
  title: 'Auction',
  version: '1.0.0',
  description:
    'Sample 05 of nestjs-envelope: an auction with an explorer, metrics, traces and health checks.',
};
