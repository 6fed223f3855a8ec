import { useQuery } from '@urql/preact';
import { CaseTopicsDocument, CaseUpdatesDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';

/** The topics with what waits on them, kept up to date while it is shown. */
export function useCaseTopics(namespace: string) {
  const [result, ask] = useQuery({ query: CaseTopicsDocument, variables: { namespace } });
  const soon = useRefresh(ask, { burstMilliseconds: 400, everyMilliseconds: 20_000 });
  useUpdates(CaseUpdatesDocument, { namespace }, soon);
  return { topics: result.data?.caseTopics, error: result.error };
}
