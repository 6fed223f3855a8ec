import { isName } from '../domain/names.ts';

/** Which kinds of tasks the cases of a namespace get, by the kind's name. */
export type CaseTaskRule = 'all' | 'none' | ReadonlySet<string>;

/** The rule for each namespace that has one of its own, and the one for all others. */
export interface CaseTaskRules {
  readonly others: CaseTaskRule;
  readonly namespaces: ReadonlyMap<string, CaseTaskRule>;
}

/**
 * Reads `CASE_TASKS`: rules with `;` between them. A rule is `all`, `none`, or kinds with commas; with a namespace and a
 * colon before it, it is for that namespace alone: `confirmation-mail,decision-mail; acme: all; test: none`.
 * @param faults takes what is wrong
 */
export function readCaseTaskRules(text: string | undefined, faults: string[]): CaseTaskRules {
  let others: CaseTaskRule = 'none';
  const namespaces = new Map<string, CaseTaskRule>();
  for (const part of (text ?? '').split(';')) {
    if (part.trim() === '') continue;
    const [, namespace, rule] = /^\s*(?:([^:]*?)\s*:)?\s*(.*?)\s*$/.exec(part)!;
    const parsed = parseRule(rule!);
    if (parsed === undefined || (namespace !== undefined && !isName(namespace)))
      faults.push(
        `CASE_TASKS has '${part.trim()}', which is not all, none or kinds, with 'namespace:' before them or not`,
      );
    else if (namespace === undefined) others = parsed;
    else namespaces.set(namespace, parsed);
  }
  return { others, namespaces };
}

/** Whether the cases of a namespace get tasks of a kind. */
export function wantsKind(rules: CaseTaskRules, namespace: string, kind: string): boolean {
  const rule = rules.namespaces.get(namespace) ?? rules.others;
  return rule === 'all' || (rule !== 'none' && rule.has(kind));
}

/** The kinds that rules name. */
export function namedKinds(rules: CaseTaskRules): readonly string[] {
  return [...rules.namespaces.values(), rules.others].flatMap((rule) => (typeof rule === 'string' ? [] : [...rule]));
}

function parseRule(text: string): CaseTaskRule | undefined {
  if (text === 'all' || text === 'none') return text;
  const kinds = text.split(',').map((kind) => kind.trim());
  return kinds.every(isName) ? new Set(kinds) : undefined;
}
