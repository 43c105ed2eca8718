import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

/**
 * Links to sources and folders, which are no pages of the site: they lead to the repository where it is known, and are
 * text elsewhere.
 */
export function sourceLinks(markdown: MarkdownRenderer, repository: string | undefined): void {
  markdown.core.ruler.push('source-links', ({ tokens, env }) => {
    const page = (env as { relativePath: string }).relativePath;
    for (const { children } of tokens) {
      // links do not nest
      let isSource = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const target = token.attrGet('href') ?? '';
          isSource = !/^[a-z]+:|^#|^\/|\.md(?:#|$)/.test(target);
          if (isSource && repository !== undefined)
            token.attrSet('href', `${repository}/blob/main/${posix.join(posix.dirname(page), target)}`);
        }
        if (isSource && repository === undefined && token.type.startsWith('link_')) {
          token.type = 'text';
          token.tag = '';
          token.nesting = 0;
          token.content = '';
        }
      }
    }
  });
}
