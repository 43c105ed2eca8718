/** One option of a command. */
interface Option {
  /** A name for the value, such as `<file>`. Without it the option is a flag. */
  readonly value?: string;
  /** Whether the option can be given several times. Default: `false`. */
  readonly multiple?: boolean;
  /** One letter: `-j`. */
  readonly short?: string;
  /** What the option does, and its default. */
  readonly text: string;
}

/** Options by name, without the leading `--`. */
export type Options = Readonly<Record<string, Option>>;

/** What a command takes. */
export interface Signature {
  /** The arguments, as the first line of the help shows them: `<url> <event> [data]`. Required ones are in `<>`. */
  readonly usage: string;
  /** Groups of options by their heading in the help. */
  readonly options: Readonly<Record<string, Options>>;
}
