import { useClient, useQuery, useSubscription } from '@urql/preact';
import { useEffect, useRef } from 'preact/hooks';
import { CaseTopicsDocument, CaseUpdatesDocument } from '../graphql/documents.ts';

/** Updates come in bursts; the counts are asked for once a burst. */
const burstMilliseconds = 400;
const refreshMilliseconds = 20_000;

/** The topics with what waits on them, kept up to date while it is shown. */
export function useCaseTopics(namespace: string) {
  const client = useClient();
  const [result, ask] = useQuery({ query: CaseTopicsDocument, variables: { namespace } });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [update] = useSubscription({ query: CaseUpdatesDocument, variables: { namespace } });
  useEffect(() => {
    if (update.data === undefined || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      ask();
    }, burstMilliseconds);
  }, [update.data]);
  useEffect(() => {
    const interval = setInterval(() => ask(), refreshMilliseconds);
    return () => {
      clearInterval(interval);
      clearTimeout(timer.current);
    };
  }, [client]);
  return { topics: result.data?.caseTopics, error: result.error };
}
