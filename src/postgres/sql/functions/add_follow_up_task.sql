-- Puts the next follow-up of a digest's requests on the engine, if one of them may need it and none is there.
-- except_task: one that is about to end (null: none)
create or replace function add_follow_up_task(digest uuid, except_task uuid) returns void
language plpgsql volatile as $$
declare
  due timestamptz;
begin
  select min(r.follow_up_at) into due
    from digest_items i join requests r on r.id = i.request_id
   where i.digest_id = digest and i.kind = 'REQUEST';
  if due is null or exists (
    select from digests d join tasks t on t.job_id = d.job_id join items i on i.id = t.id
     where d.id = digest and t.kind = 'digest-follow-up' and t.id is distinct from except_task and i.deliver_after <= due
  ) then
    return;
  end if;
  perform add_digest_task(digest, 'digest-follow-up', jsonb_build_object('digestId', digest), due, 20);
end
$$;
