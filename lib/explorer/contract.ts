import { stringify } from 'yaml';

/** What the explorer itself reads of an AsyncAPI document; the rest is the page's. */
export interface ExplorableContract {
  readonly asyncapi: string;
  readonly servers?: Readonly<Record<string, { readonly host: string }>>;
}

/** Makes the document; asked once, at the first request: gateways and schemas are complete by then. */
export type MakeContract = () => Promise<ExplorableContract>;

/** The same as YAML 1.2. */
export function contractToYaml(contract: ExplorableContract): string {
  return stringify(contract, { aliasDuplicateObjects: false, lineWidth: 0 });
}
