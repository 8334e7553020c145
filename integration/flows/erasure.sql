-- :last_act  the last day anything happened about a patient
SELECT max(told) FROM (
  SELECT max(issued_on) AS told FROM document WHERE patient_id = :patient
  UNION ALL SELECT max(until) FROM prescription WHERE patient_id = :patient
  UNION ALL SELECT max(coalesce(until, since)) FROM care_item WHERE patient_id = :patient
  UNION ALL SELECT max(r.dated) FROM return_line r JOIN document d ON d.id = r.invoice_id
    WHERE d.patient_id = :patient
  UNION ALL SELECT max(p.issued_on) FROM entry e JOIN document p ON p.id = e.document_id
    JOIN document d ON d.id = e.invoice_id WHERE d.patient_id = :patient
) acts

-- :own_persons  of a patient, that no other patient who isn't erased needs; 1: the patient's own
SELECT x.id, CASE WHEN x.id = (SELECT person_id FROM patient WHERE id = :patient) THEN 1 ELSE 0 END
FROM person x
WHERE x.id IN (
    SELECT person_id FROM patient WHERE id = :patient
    UNION SELECT insured_person_id FROM patient WHERE id = :patient)
  AND NOT EXISTS (
    SELECT 1 FROM patient o JOIN person own ON own.id = o.person_id
    WHERE o.id <> :patient AND length(own.sealed) > 0
      AND (o.person_id = x.id OR o.insured_person_id = x.id))
ORDER BY x.id

-- :invoices  file names of the printed invoices of a patient
SELECT o.file_name FROM outbox o JOIN document d ON d.id = o.subject_id
WHERE o.kind = 'invoice_pdf' AND d.patient_id = :patient
