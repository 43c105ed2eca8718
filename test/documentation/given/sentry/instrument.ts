/** What `captureException` was called with. */
export const captured: { error: unknown; hint: CaptureContext }[] = [];

interface CaptureContext {
  user?: { id?: string | number; ip_address?: string } | undefined;
  tags?: Record<string, string | undefined>;
  extra?: Record<string, unknown>;
}

/** The part of `@sentry/node` that the example uses, without network. */
export const Sentry = {
  captureException(error: unknown, hint: CaptureContext = {}): string {
    captured.push({ error, hint });
    return 'id';
  },
};
