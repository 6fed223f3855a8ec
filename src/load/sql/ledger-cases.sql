-- The cases of a namespace and the open item of each. $1 namespace
select c.id as "caseId", c.applicant_details ->> 'reference' as "reference", c.registrant, c.verdict,
       c.decided_by as "decidedBy", i.state as "itemState", i.attempt as "itemAttempt"
  from cases c left join items i on i.id = c.id
 where c.namespace = $1::text
