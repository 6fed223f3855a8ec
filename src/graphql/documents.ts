import type { DocumentNode, GraphQLSchema, OperationDefinitionNode, ValidationRule } from 'graphql';
import { GraphQLError, Kind, NoSchemaIntrospectionCustomRule, parse, specifiedRules, validate, visit } from 'graphql';
import type { Config } from '../config.ts';
import { limits } from '../domain/limits.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { FaultPlace, WireError } from './fault-format.ts';
import { toWireError } from './fault-format.ts';
import type { Fragments } from './query-limits.ts';
import { countCost, findExcess, findFragments, tooComplex } from './query-limits.ts';

const validationErrorsMax = 20;
/** What graphql-js says when comparing fields that may overlap takes too long. */
const validationAborted = 'Validation aborted.';
const documentsMax = 1_000;
const documentsBytesMax = 32_000_000;
/** What one token of a parsed document takes in memory with its nodes: measured 250 to 490, most with one-letter fields. */
const bytesPerToken = 500;
/** What a refused document takes besides its text. */
const refusedBytes = 4_000;
/** A longer text is parsed each time: it would push hundreds of common ones out. */
const rememberedCharactersMax = 100_000;

export interface PreparedOperation {
  readonly node: OperationDefinitionNode;
  /** Its cost has to be counted with each request's variables. */
  readonly costDependsOnVariables: boolean;
}

/** A document that may run. */
export interface PreparedDocument {
  readonly document: DocumentNode;
  readonly fragments: Fragments;
  readonly operations: readonly PreparedOperation[];
}

/** A document that must not run, with the reasons. */
export interface RefusedDocument {
  readonly errors: readonly WireError[];
}

/** Parses, limits and validates the text of a document, or remembers having done so. */
export type PrepareDocument = (text: string, place: FaultPlace) => PreparedDocument | RefusedDocument;

/**
 * Makes the one cache of documents that HTTP, SSE and WebSocket share. Bounded by the number of documents and by the
 * memory that they are estimated to take.
 */
export function createDocuments(schema: GraphQLSchema, mode: Config['mode']): PrepareDocument {
  const known = new RecentCache<PreparedDocument | RefusedDocument>(documentsMax, documentsBytesMax);
  const isProduction = mode === 'production';
  const rules = isProduction ? [...specifiedRules, NoSchemaIntrospectionCustomRule] : specifiedRules;
  return (text, place) => {
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    const prepared = prepare(text, schema, rules, isProduction);
    const outcome = Array.isArray(prepared)
      ? { errors: prepared.map((error) => toWireError(error, place)) }
      : (prepared as PreparedDocument);
    if (text.length <= rememberedCharactersMax) known.set(text, outcome, weigh(text, outcome));
    return outcome;
  };
}

function weigh(text: string, outcome: PreparedDocument | RefusedDocument): number {
  const inside =
    'document' in outcome ? (outcome.document.tokenCount ?? limits.queryTokens) * bytesPerToken : refusedBytes;
  return text.length * 2 + inside;
}

function prepare(
  text: string,
  schema: GraphQLSchema,
  rules: readonly ValidationRule[],
  hideSuggestions: boolean,
): PreparedDocument | readonly GraphQLError[] {
  const document = parseText(text);
  if (document instanceof GraphQLError) return [document];
  const fragments = findFragments(document);
  const excess = findExcess(document, fragments) ?? findNullCharacter(document, text);
  if (excess !== undefined) return [excess];
  const errors = validate(schema, document, rules, { maxErrors: validationErrorsMax, hideSuggestions });
  if (errors.some(({ message }) => message === validationAborted)) return [tooComplex('The query repeats too much')];
  if (errors.length > 0) return errors.map(withValidationCode);
  return prepareOperations(document, fragments, schema);
}

function parseText(text: string): DocumentNode | GraphQLError {
  try {
    return parse(text, { maxTokens: limits.queryTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.startsWith('Syntax Error: Document contains more ')) return tooComplex('The query is too long');
    return withCode(error, 'GRAPHQL_PARSE_FAILED');
  }
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes, source, positions, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { ...extensions, code } });
}

/** A scalar that refuses a literal has named its code already. */
function withValidationCode(error: GraphQLError): GraphQLError {
  return error.extensions.code === undefined ? withCode(error, 'GRAPHQL_VALIDATION_FAILED') : error;
}

/** As in the variables: no column can hold a null character. Half characters are refused by the parser. */
function findNullCharacter(document: DocumentNode, text: string): GraphQLError | undefined {
  if (!text.includes('\\u')) return undefined;
  let found: GraphQLError | undefined;
  visit(document, {
    StringValue(node) {
      if (!node.value.includes('\0')) return;
      found ??= new GraphQLError('Text must not have null characters', {
        nodes: node,
        extensions: { code: 'BAD_USER_INPUT' },
      });
    },
  });
  return found;
}

function prepareOperations(
  document: DocumentNode,
  fragments: Fragments,
  schema: GraphQLSchema,
): PreparedDocument | readonly GraphQLError[] {
  const operations: PreparedOperation[] = [];
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const cost = countCost({ schema, operation: node, fragments, variables: undefined });
    if (!cost.dependsOnVariables && cost.complexity > limits.queryComplexity) {
      return [tooComplex('The query asks for too much at once')];
    }
    operations.push({ node, costDependsOnVariables: cost.dependsOnVariables });
  }
  return { document, fragments, operations };
}
