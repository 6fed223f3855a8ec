import type { ASTNode, DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import {
  BREAK,
  coerceInputValue,
  GraphQLError,
  isInputType,
  isNonNullType,
  Kind,
  parse,
  typeFromAST,
  visit,
} from 'graphql';
import { limits } from '../domain/limits.ts';
import type { WireError } from './fault-format.ts';

const faultsMax = 20;
const messageCharactersMax = 300;

export interface InputOfOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly hideSuggestions: boolean;
}

/**
 * Says what is wrong with the variables of an operation that the executor has refused for them, with the path of each
 * input at fault (`input.items.3.priority`), as no error of the executor gives it.
 */
export function findInputFaults(input: InputOfOperation): readonly WireError[] {
  const faults: WireError[] = [];
  for (const definition of input.operation.variableDefinitions ?? []) {
    const type = typeFromAST(input.schema, definition.type);
    if (!isInputType(type)) continue;
    const name = definition.variable.name.value;
    const path = findPlace(input.document, name);
    const value = input.variables?.[name];
    const isGiven = input.variables !== undefined && Object.hasOwn(input.variables, name);
    if (!isGiven || value === null) {
      const isMissing = isNonNullType(type) && !(definition.defaultValue !== undefined && !isGiven);
      if (isMissing) faults.push(inputFault(path, isGiven ? 'must not be null' : 'is missing'));
      continue;
    }
    coerceInputValue(
      value,
      type,
      (below, _value, error) => {
        if (faults.length < faultsMax)
          faults.push(inputFault([...path, ...below, ...findFieldName(error.message)], error.message));
      },
      input.hideSuggestions,
    );
  }
  return faults;
}

/** The path of the input that a variable is, in a document that has not been looked at yet; one that is none has no better name. */
export function findVariablePlace(query: string, name: string): readonly (string | number)[] {
  try {
    return findPlace(parse(query, { noLocation: true, maxTokens: limits.queryTokens }), name);
  } catch (error) {
    if (error instanceof GraphQLError) return [name];
    throw error;
  }
}

function inputFault(path: readonly (string | number)[], reason: string): WireError {
  const field = path.join('.');
  return {
    message: `${field}: ${reason}`.slice(0, messageCharactersMax),
    extensions: { code: 'BAD_USER_INPUT', field },
  };
}

/** A field that is missing or unknown is reported at the object that should or should not have it. */
function findFieldName(message: string): readonly string[] {
  const name = /^Field "(\w+)" (?:of required type|is not defined by type)/.exec(message)?.[1];
  return name === undefined ? [] : [name];
}

/** Where the document first uses a variable: as an argument, or inside one. The variable's own name is the client's affair. */
function findPlace(document: DocumentNode, name: string): readonly (string | number)[] {
  let place: readonly (string | number)[] | undefined;
  visit(document, {
    VariableDefinition: () => false,
    Variable(node, _key, parent, path, ancestors) {
      if (node.name.value !== name) return undefined;
      place = readPlace(path, parent === undefined ? ancestors : [...ancestors, parent]);
      return BREAK;
    },
  });
  return place ?? [name];
}

/** @param ancestors the nodes and lists from the document down; `path[n]` leads from the nth of them to the next */
function readPlace(
  path: readonly (string | number)[],
  ancestors: readonly (ASTNode | readonly ASTNode[])[],
): readonly (string | number)[] {
  const place: (string | number)[] = [];
  for (const [index, ancestor] of ancestors.entries()) {
    if (!('kind' in ancestor)) continue;
    if (ancestor.kind === Kind.FIELD || ancestor.kind === Kind.DIRECTIVE) place.length = 0;
    if (ancestor.kind === Kind.ARGUMENT || ancestor.kind === Kind.OBJECT_FIELD) place.push(ancestor.name.value);
    if (ancestor.kind === Kind.LIST) place.push(path[index + 1] ?? 0);
  }
  return place;
}
