-- :balances  invoices with a non-zero due in any share, from the entries up to a date
SELECT i.id, i.journal, i.fiscal_year, i.number, i.issued_on, i.gross_cents, i.snapshot,
  p.person_id, p.agency, d.amo, d.amc, d.patient, d.customer, d.rejected,
  EXISTS (SELECT 1 FROM transmission_item t JOIN transmission f ON f.id = t.transmission_id
          WHERE t.document_id = i.id AND f.created_on <= :as_of)
FROM (
  SELECT e.invoice_id,
    sum(CASE WHEN e.share = 'AMO' THEN e.debit_cents - e.credit_cents ELSE 0 END) AS amo,
    sum(CASE WHEN e.share = 'AMC' THEN e.debit_cents - e.credit_cents ELSE 0 END) AS amc,
    sum(CASE WHEN e.share = 'PATIENT' THEN e.debit_cents - e.credit_cents ELSE 0 END) AS patient,
    sum(CASE WHEN e.share = 'CUSTOMER' THEN e.debit_cents - e.credit_cents ELSE 0 END) AS customer,
    sum(CASE WHEN e.account {rejected} THEN e.debit_cents - e.credit_cents ELSE 0 END) AS rejected
  FROM entry e
  WHERE e.invoice_id IS NOT NULL AND e.dated <= :as_of AND e.account {accounts}
  GROUP BY e.invoice_id
) d
JOIN document i ON i.id = d.invoice_id
LEFT JOIN patient p ON p.id = i.patient_id
WHERE i.organisation_id = :organisation
  AND (d.amo <> 0 OR d.amc <> 0 OR d.patient <> 0 OR d.customer <> 0)
ORDER BY i.id
