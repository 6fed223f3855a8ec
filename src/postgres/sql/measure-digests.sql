-- How the digests of a shard stand, for the metrics: each count reads an index that holds only what it counts.
-- $1 seconds after its end that make an open window late
select (select count(*)::integer from digests where state = 'OPEN' and not held
          and window_end >= clock_timestamp() - make_interval(secs => $1::integer)) as open,
       (select count(*)::integer from digests where state = 'OPEN' and not held
          and window_end < clock_timestamp() - make_interval(secs => $1::integer)) as late,
       (select count(*)::integer from digests where state = 'OPEN' and held) as held,
       (select count(*)::integer from digests where state = 'SEALED') as sealed,
       (select count(*)::integer from digests where state = 'SENDING') as sending,
       (select count(*)::integer from digests where state = 'FAILED') as failed,
       (select count(*)::integer from recipients where bounced_at is not null) as bounced,
       (select count(*)::integer from recipients where paused_at is not null
          and (paused_until is null or paused_until > clock_timestamp())) as paused,
       (select count(*)::integer from requests
         where overdue_at is not null and answered_at is null and closed_at is null and cancelled_at is null) as overdue,
       (select count(*)::integer from mails where status = 'UNCERTAIN') as uncertain
