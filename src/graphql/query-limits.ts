import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';
import {
  GraphQLError,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
} from 'graphql';
import { limits } from '../domain/limits.ts';

/** Fields that an operation may ask for at its root, those in fragments included. */
const rootFieldsMax = 30;

/** How many items a list of unknown length counts for. */
const listItemsAssumed = 10;

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Fragments by their names. */
export function findFragments(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}

interface Size {
  /** Levels of fields, the deepest way down. */
  readonly depth: number;
  /** Aliases, each as often as its fragment is used. */
  readonly aliases: number;
  /** Fields on the first level, those of fragments included. */
  readonly fields: number;
}

const nothing: Size = { depth: 0, aliases: 0, fields: 0 };

/**
 * Refuses a document that is too deep, too wide or full of aliases, before anything else looks at it.
 * It follows fragments, each once, and so ends on circular ones too, which validation then refuses. Its recursion is
 * bounded by the parser, which takes at most 2,000 tokens.
 * @returns the error, or undefined when the document is within the limits
 */
export function findExcess(document: DocumentNode, fragments: Fragments): GraphQLError | undefined {
  const known = new Map<SelectionSetNode, Size>();
  let aliases = 0;
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const size = measure(definition.selectionSet, fragments, known);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      if (size.depth > limits.queryDepth && !isOfIntrospection(definition)) return tooDeep();
      continue;
    }
    if (size.depth > limits.queryDepth) return tooDeep();
    aliases += size.aliases;
    if (size.fields > rootFieldsMax) return tooComplex('The query asks for too many fields at its root');
  }
  return aliases > limits.queryAliases ? tooComplex('The query has too many aliases') : undefined;
}

/** Such a fragment fits below a field of introspection only. */
function isOfIntrospection({ typeCondition }: FragmentDefinitionNode): boolean {
  return typeCondition.name.value.startsWith('__');
}

function tooDeep(): GraphQLError {
  return tooComplex('The query is nested too deeply');
}

/** The one error of every limit on queries. It does not say the limit. */
export function tooComplex(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_COMPLEX' } });
}

function measure(selectionSet: SelectionSetNode, fragments: Fragments, known: Map<SelectionSetNode, Size>): Size {
  const done = known.get(selectionSet);
  if (done !== undefined) return done;
  // What leads back here counts as nothing: it is circular.
  known.set(selectionSet, nothing);
  let { depth, aliases, fields } = nothing;
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FIELD) {
      const inside = selection.selectionSet === undefined ? nothing : measure(selection.selectionSet, fragments, known);
      // Introspection has a depth of its own, which a rule of validation bounds; production has none at all.
      const below = selection.name.value.startsWith('__') ? 0 : inside.depth;
      depth = Math.max(depth, 1 + below);
      aliases += inside.aliases + (selection.alias === undefined ? 0 : 1);
      fields += 1;
      continue;
    }
    const target = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    if (target === undefined) continue;
    const inside = measure(target.selectionSet, fragments, known);
    depth = Math.max(depth, inside.depth);
    aliases += inside.aliases;
    fields += inside.fields;
  }
  const size = { depth, aliases, fields };
  known.set(selectionSet, size);
  return size;
}

export interface CostInput {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

export interface Cost {
  readonly complexity: number;
  /** Whether other variables could give another cost. */
  readonly dependsOnVariables: boolean;
}

/**
 * Counts what a valid operation may cost: each object counts 1, each scalar 0, unless its field declares `complexity`;
 * what is inside a list counts as often as the list may have items: what `first` says, else 10.
 */
export function countCost(input: CostInput): Cost {
  const root = input.schema.getRootType(input.operation.operation);
  const counter: Counter = { ...input, known: new Map(), dependsOnVariables: false };
  const complexity = root == null ? 0 : countSelections(input.operation.selectionSet, root, counter);
  return { complexity, dependsOnVariables: counter.dependsOnVariables };
}

interface Counter extends CostInput {
  /** A selection set has one type, so it is counted once however often its fragment is used. */
  readonly known: Map<SelectionSetNode, number>;
  dependsOnVariables: boolean;
}

function countSelections(selectionSet: SelectionSetNode, type: GraphQLNamedType, counter: Counter): number {
  const done = counter.known.get(selectionSet);
  if (done !== undefined) return done;
  let cost = 0;
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FIELD) {
      cost += countField(selection, type, counter);
      continue;
    }
    const target = selection.kind === Kind.INLINE_FRAGMENT ? selection : counter.fragments.get(selection.name.value);
    if (target === undefined) continue;
    const condition =
      target.typeCondition === undefined ? type : counter.schema.getType(target.typeCondition.name.value);
    cost += countSelections(target.selectionSet, condition ?? type, counter);
  }
  counter.known.set(selectionSet, cost);
  return cost;
}

function countField(node: FieldNode, parent: GraphQLNamedType, counter: Counter): number {
  const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
  // `__typename`, `__schema` and `__type` cost nothing here; other rules bound them.
  if (field === undefined) return 0;
  const declared = readDeclared(field);
  const inside =
    node.selectionSet === undefined ? 0 : countSelections(node.selectionSet, getNamedType(field.type), counter);
  return declared.own + inside * countItems(node, field, declared, counter);
}

interface Declared {
  readonly own: number;
  readonly multiplier: number | undefined;
}

/** The plugin writes 1 to every field that declares nothing; for a scalar that reads as 0. */
function readDeclared(field: GraphQLField<unknown, unknown>): Declared {
  const option: unknown = field.extensions.complexity;
  const { field: own, multiplier } =
    typeof option === 'object' && option !== null
      ? (option as { field?: number; multiplier?: number })
      : { field: typeof option === 'number' ? option : 1, multiplier: undefined };
  const isScalar = isLeafType(getNamedType(field.type));
  return { own: isScalar && (own ?? 1) <= 1 ? 0 : (own ?? 1), multiplier };
}

function countItems(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  declared: Declared,
  counter: Counter,
): number {
  if (field.args.some((argument) => argument.name === 'first')) return readFirst(node, counter);
  return declared.multiplier ?? (isListType(getNullableType(field.type)) ? listItemsAssumed : 1);
}

function readFirst(node: FieldNode, counter: Counter): number {
  const value = node.arguments?.find((argument) => argument.name.value === 'first')?.value;
  if (value === undefined || value.kind === Kind.NULL) return limits.pageItemsDefault;
  if (value.kind === Kind.INT) return clampPage(Number(value.value));
  if (value.kind !== Kind.VARIABLE) return limits.pageItems;
  counter.dependsOnVariables = true;
  const name = value.name.value;
  const given = counter.variables?.[name];
  if (typeof given === 'number') return clampPage(given);
  const defaultValue = counter.operation.variableDefinitions?.find(
    (one) => one.variable.name.value === name,
  )?.defaultValue;
  return given === undefined && defaultValue?.kind === Kind.INT
    ? clampPage(Number(defaultValue.value))
    : limits.pageItemsDefault;
}

function clampPage(items: number): number {
  return Math.min(Math.max(items, 0), limits.pageItems);
}
