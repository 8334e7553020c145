-- :late  the last occurrence of a job, due long ago and not done
SELECT r.job FROM job_run r
JOIN (SELECT job, max(due_at) AS due_at FROM job_run WHERE organisation_id = :organisation
  GROUP BY job) AS l ON l.job = r.job AND l.due_at = r.due_at
WHERE r.organisation_id = :organisation AND r.state NOT IN ('done', 'missed')
AND r.due_at < :before ORDER BY r.job

-- :closed
SELECT closed_until FROM organisation WHERE id = :organisation

-- :unheard  tried long ago, and not known to have arrived
SELECT o.id FROM outbox o WHERE o.organisation_id = :organisation
AND o.state IN ('todo', 'uncertain') AND EXISTS (SELECT 1 FROM outbox_event e
  WHERE e.outbox_id = o.id AND e.at < :before) ORDER BY o.id LIMIT 1
