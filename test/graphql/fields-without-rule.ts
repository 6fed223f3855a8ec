import type { GraphQLSchema } from 'graphql';

/** The root fields of a schema that declare no `authScopes` of their own, as `Mutation.decide`. */
export function fieldsWithoutRule(schema: GraphQLSchema): readonly string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return roots.flatMap((type) =>
    Object.values(type?.getFields() ?? {})
      .filter((field) => readOptions(field.extensions)?.authScopes === undefined)
      .map((field) => `${type?.name}.${field.name}`),
  );
}

function readOptions(extensions: Readonly<Record<string, unknown>>): { readonly authScopes?: unknown } | undefined {
  return extensions.pothosOptions as { readonly authScopes?: unknown } | undefined;
}
