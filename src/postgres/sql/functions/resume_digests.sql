-- Lets a recipient's digests go again after a pause or a bounce; those that were held meanwhile are due now.
create or replace function resume_digests(wanted uuid) returns void
language plpgsql volatile as $$
begin
  update recipients r
     set paused_at = null, paused_until = null, paused_by = null, pause_reason = null, bounced_at = null, bounce_reason = null,
         version = r.version + 1
   where r.id = wanted;
  perform release_held_digests(wanted);
end
$$;
