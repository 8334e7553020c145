-- :standings  where each share of these invoices stands, over all entries
SELECT e.invoice_id, e.share, max(e.auxiliary),
  sum(CASE WHEN e.account {receivable} THEN e.debit_cents - e.credit_cents ELSE 0 END),
  sum(CASE WHEN e.account {rejected} THEN e.debit_cents - e.credit_cents ELSE 0 END)
FROM entry e
WHERE e.invoice_id {invoices} AND e.share IS NOT NULL
GROUP BY e.invoice_id, e.share

-- :by_b2_number
SELECT b2_number, id FROM document
WHERE organisation_id = :organisation AND b2_number {numbers}

-- :by_reference
SELECT journal, fiscal_year, number, id FROM document
WHERE organisation_id = :organisation AND fiscal_year {years} AND number {numbers}
  AND kind IN ('contract', 'care')
