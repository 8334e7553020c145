-- :known
SELECT j.name, j.since, (SELECT max(r.due_at) FROM job_run r
  WHERE r.organisation_id = j.organisation_id AND r.job = j.name)
FROM job j WHERE j.organisation_id = :organisation

-- :register
INSERT INTO job (organisation_id, name, timing, since)
VALUES (:organisation, :job, :timing, :now)
ON CONFLICT (organisation_id, name) DO UPDATE SET timing = excluded.timing, since = excluded.since
WHERE job.timing <> excluded.timing RETURNING name

-- :missed
INSERT INTO job_run (organisation_id, job, due_at, day, state)
VALUES (:organisation, :job, :due_at, :day, 'missed') ON CONFLICT DO NOTHING RETURNING job

-- :last
SELECT r.job, r.due_at, r.state, r.attempts, r.started_at, r.ended_at, r.report FROM job_run r
JOIN (SELECT job, max(due_at) AS due_at FROM job_run WHERE organisation_id = :organisation
  GROUP BY job) AS l ON l.job = r.job AND l.due_at = r.due_at
WHERE r.organisation_id = :organisation ORDER BY r.job
