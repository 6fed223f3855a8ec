import type { GraphiQLOptions } from 'graphql-yoga';

/** What the editor shows at first: the way of a case from the queue to its decision. */
const defaultQuery = `# A token comes from: npx caseload token --user bob --roles auditor --namespace acme
# Put it into the headers below: { "authorization": "Bearer <token>" }

query Cases {
  cases(namespace: "acme", first: 10) {
    edges {
      node {
        id
        status
        priority
        registeredAt
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}

mutation Claim {
  claimNextCase(input: { namespace: "acme" }) {
    __typename
    ... on CaseClaimed {
      case {
        id
      }
      lease {
        token
        expiresAt
      }
    }
    ... on Problem {
      code
      message
    }
  }
}

mutation Decide($caseId: ID!, $leaseToken: String!) {
  decide(input: { caseId: $caseId, leaseToken: $leaseToken, verdict: APPROVE }) {
    __typename
    ... on Problem {
      code
      message
    }
  }
}

subscription Updates {
  caseUpdated(namespace: "acme") {
    cursor
    type
    case {
      id
      status
    }
  }
}
`;

/** How GraphiQL is shown in development. */
export const graphiqlOptions: GraphiQLOptions = {
  title: 'Caseload',
  subscriptionsProtocol: 'WS',
  defaultQuery,
  // Without a token the schema can be looked at; an empty one would be refused.
  headers: '{}',
  defaultEditorToolsVisibility: 'headers',
};
