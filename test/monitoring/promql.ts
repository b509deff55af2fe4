import { parser } from '@prometheus-io/lezer-promql';

/** A metric that an expression names, with what it asks of its labels. */
export interface Named {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[];
}

/** The metrics that an expression names. Throws when it is not PromQL. */
export function metricsIn(expression: string): Named[] {
  const found: { metric: string; matchers: { label: string; op: string; value: string }[] }[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, type, from, to, node }) => {
      const text = expression.slice(from, to);
      if (type.isError) throw new SyntaxError(`Not PromQL at ${from}: ${expression}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') {
        found.push({ metric: text, matchers: [] });
      }
      if (name === 'UnquotedLabelMatcher') {
        const [, label = '', op = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(text) ?? [];
        found.at(-1)?.matchers.push({ label, op, value });
      }
    },
  });
  return found;
}
